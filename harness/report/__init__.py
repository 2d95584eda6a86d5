"""Reports: text, HTML and JUnit, all made from results and traces."""
