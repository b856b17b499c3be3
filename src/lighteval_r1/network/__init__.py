"""What every room that asks another machine shares: files read from the Hub. Nothing here writes there."""
