"""The machinery every resource shares: parameters, ids, store, rendering, events, delivery. It knows no resource."""
