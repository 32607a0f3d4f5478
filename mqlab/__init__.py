"""The laboratory of the course: a broker, worker processes, faults, load, plots and checks."""

__version__ = "0.1.0"
