"""A stranger's PDF as what a viewer prints of it: opened whole, hidden layers gone, forms and annotations drawn in.

``opening`` reads the file, ``flat`` makes its pages flat with the help of the other modules. Runs in the child.
"""
