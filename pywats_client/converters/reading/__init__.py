"""What the formats are made of: text, tables and XML of strangers, values with limits, parts of larger formats."""
