"""Every sentence for people, in every language, and numbers, dates and lists as each language writes them."""
