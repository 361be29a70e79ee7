"""The commands. They use this SDK's `axelera.runtime` and `axelera.compiler`, also where the vendor's are installed."""

from axemu import faces

faces.first()
