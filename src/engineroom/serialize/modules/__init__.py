"""Modules of the user's own, installed nowhere: shipped by content to the engines that run what is in them."""
