"""
The sentiment of short texts, such as headlines and posts, as one number each; and the cleaner of foreign text.

Sources of texts are left to `resources`, the value of a sentiment to the fusion.
"""
