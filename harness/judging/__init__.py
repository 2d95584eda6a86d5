"""From a trace to a result: verdict, results, grading, recordings on their own, and of which program a proof is."""
