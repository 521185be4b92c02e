"""The controller's decisions, pure: events in, actions out; no sockets, clock, threads or logging.

`reactor.handle` is the way in; `state.ControllerState` is all there is to know.
"""
