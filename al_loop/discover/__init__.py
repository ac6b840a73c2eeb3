"""Discovery alone, on a file or on a workspace that stays as it is: no server, no label."""
