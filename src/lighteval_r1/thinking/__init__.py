"""How a reply thinks: tokens, the first correct answer, efficiency, thoughts; by rule, or by a judge who is asked."""
