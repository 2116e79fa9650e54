"""From a mail's parts to fax pages, in a child process that can do no harm.

``Renderer`` is the only way in; everything that opens a stranger's file runs in the child, which ``warm`` forks:
``mime`` takes the mail apart, ``kinds`` and ``roles`` say what each piece is, ``pages`` has the pages made, ``sheets``
makes fax pages of them.
"""
