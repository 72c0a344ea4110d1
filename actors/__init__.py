"""The shop: one folder per subject; imports the runtime and nothing that does I/O."""
