"""Pure rules: test cards, billing periods, amounts. No store, no clock, no HTTP."""
