"""Measures reasoning models with LightEval and vLLM: pass@1 from many sampled replies per problem, with its error."""

__version__ = "0.1.0"
