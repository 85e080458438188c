"""One command per rule, with the rule's name."""
