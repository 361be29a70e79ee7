"""The converter of settings under the name that the vendor's documents call it by; `axemu to-toml` is the same.

python tools/json_to_toml_config.py --from-yaml card.yaml --output settings.toml
"""

import sys

from axelera.compiler.config.convert import main

if __name__ == "__main__":
    sys.exit(main(name="json_to_toml_config.py"))
