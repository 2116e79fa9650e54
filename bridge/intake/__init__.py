"""Mail comes in: the SMTP server. A ``250`` after DATA means that message and jobs are on disk and synced."""
