"""Why a cluster does not start or go on: the first step that failed, found in the steps and in what can be seen now."""
