"""The plant: connections whose values become values of elements."""
