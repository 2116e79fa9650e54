"""Mail: reading what strangers write in headers, writing our notices and received-fax mails. Bytes in, bytes out."""
