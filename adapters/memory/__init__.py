"""Every store port kept in memory: for simulation, and for tests in virtual time."""
