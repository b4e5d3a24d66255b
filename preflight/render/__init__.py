"""A judged host as text: one file a format, nothing judged, nothing read."""
