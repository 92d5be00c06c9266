"""What can go wrong at the command line, each with what to do about it."""

from tollkeeper.kit import TollkeeperError


class CommandError(TollkeeperError):
    """A command cannot do what it was asked."""

    code = "command_failed"
    title = "The command failed"


class AddressInUseError(CommandError):
    """Another program listens on the address."""

    code = "address_in_use"
    title = "The address is in use"
    hint = "Stop the program that listens there, or choose another port: `tollkeeper serve --port 8001`."


class AddressUnusableError(CommandError):
    """The address is not one of this machine's, or this account may not listen on it."""

    code = "address_unusable"
    title = "The address cannot be used"
    hint = "Use --host 127.0.0.1 (this machine) or --host 0.0.0.0 (everybody), and a --port of 1024 or higher."


class ChildFailedError(CommandError):
    """A part of the server ended before it was ready."""

    code = "part_failed"
    title = "A part of the server did not start"
    hint = "The lines above say why; `tollkeeper doctor` checks settings, database and provider."


class FileUnreadableError(CommandError):
    """A file named on the command line cannot be read."""

    code = "file_unreadable"
    title = "The file cannot be read"
    hint = "Check the path and its permissions."


class DemoInProductionError(CommandError):
    """Demo data was asked for where real customers are."""

    code = "demo_in_production"
    title = "Production gets no demo login and no demo catalogue"
    hint = "Apply a catalogue of your own: `tollkeeper plans apply FILE`."


class TablesOutdatedError(CommandError):
    """The database's tables are not those of this version."""

    code = "tables_outdated"
    title = "The database's tables are not those of this version"
    hint = "Run `tollkeeper migrate` first."


class NoHeadError(CommandError):
    """What was given is no end of the chain."""

    code = "no_head"
    title = "That is no end of the chain"
    hint = "It looks like `1234:9f86d081...`, as `tollkeeper audit head` prints it."
