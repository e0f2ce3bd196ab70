"""What the models say of each test image: where two methods agree, and how much of a spread is the test set's."""
