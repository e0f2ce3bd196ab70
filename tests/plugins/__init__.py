"""Methods, models, data and launchers of users' own."""
