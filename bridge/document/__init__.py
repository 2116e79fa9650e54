"""From a mail's parts to fax pages, in a child process that can do no harm.

``Renderer`` is the only way in; everything that opens a stranger's file (``mime``, ``pages``, ``images``, ``text``)
runs in the child.
"""
