"""Sources of headlines and posts: RSS, GDELT, Hacker News and Reddit, and the matching of texts to symbols."""
