"""Reading and writing networks in the formats in which others publish them; nothing that a file carries is ever executed."""
