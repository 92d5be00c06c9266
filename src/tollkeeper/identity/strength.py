"""How long a password stands against guessing: zxcvbn's estimate, in its words."""

from dataclasses import dataclass

ENOUGH = 2
"""Of 0 to 4. From 2 on it takes more than a million guesses, which waiting after wrong ones makes years of."""
# What a guesser needs is decided by the beginning; the estimate's own time grows with the square of the length.
_LOOKED_AT = 40
LABELS = ("Very weak", "Weak", "Fair", "Good", "Strong")


@dataclass(frozen=True, slots=True)
class Strength:
    """How hard a password is to guess: `score` from 0 to 4, what is wrong with it, and what would help."""

    score: int
    warning: str
    suggestions: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        """Whether it may be used."""
        return self.score >= ENOUGH

    @property
    def label(self) -> str:
        """The score in words."""
        return LABELS[self.score]

    @property
    def advice(self) -> str:
        """Everything there is to say, as sentences."""
        said = [self.warning, *self.suggestions]
        return " ".join(f"{each.rstrip('.')}." for each in said if each)


def strength_of(password: str, *about: str) -> Strength:
    """Estimate a password; `about` is what a guesser knows of the person: their address, their name."""
    if not password:  # the estimate knows no nothing
        return Strength(0, "", ())
    from zxcvbn import zxcvbn  # noqa: PLC0415 - slow to load, used by few

    told = zxcvbn(password[:_LOOKED_AT], user_inputs=[word for text in about for word in (text, *_words(text))])
    feedback = told["feedback"]
    return Strength(int(told["score"]), str(feedback["warning"] or ""), tuple(map(str, feedback["suggestions"])))


def _words(text: str) -> list[str]:
    return [word for word in text.replace("@", " ").replace(".", " ").split() if len(word) > 2]  # noqa: PLR2004 - shorter ones are in everything
