"""What a week of real users found, one module for each part; each test names its row."""
