"""Which local governments' mail servers stand on which blocklists: asked, kept, judged, and told."""
