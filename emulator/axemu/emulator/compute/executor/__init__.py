"""The executor: what a job, its stages and its helpers look like in memory, and the kernels that work through them."""
