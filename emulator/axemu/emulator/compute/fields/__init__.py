"""Layouts of descriptors: for each kernel, the index of every int64 field.

Loading code writes descriptors and kernels read them; both use these names, so that neither can disagree.
"""
