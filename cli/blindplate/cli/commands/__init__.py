"""One module a command or group of commands; each imports what it runs inside the command."""
