"""What has rows: how values of each kind are cut into parts by rows, and parts joined again."""
