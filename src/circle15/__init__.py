"""What people can reach on foot within fifteen minutes, in a city of stairs."""
