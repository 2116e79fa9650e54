"""A fax comes in: hook or poll announces it, it is fetched with both ids, routed, and owed to its mailboxes."""
