"""The compiled-model directory."""
