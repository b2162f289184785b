"""How the commands show things: tables and colours to people, plain lines to a pipe, JSON to programs."""
