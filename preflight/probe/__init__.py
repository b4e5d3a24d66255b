"""The probe: what runs on the host. Standard library only, Python 3.8 and newer.

It imports nothing else of the package but its version, and its bytes go to the host as one zip.
"""
