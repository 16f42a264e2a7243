//! Helpers of the black-box tests: the one place that knows the public API.
