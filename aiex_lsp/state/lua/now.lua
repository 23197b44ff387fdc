-- Reply: the clock.
return {text(now)}
