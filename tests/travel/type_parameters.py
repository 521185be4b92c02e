"""Definitions that only Python 3.12 and later can read."""

from tests.travel.carry import close, made, row, title

title("Type parameters and `type` aliases (Python 3.12)")
exec(
    """
class New[T]:
    def __init__(self, x: T): self.x = x
    def get(self) -> T: return self.x

class Bounded[V: (int, str) = int](New[V]):
    pass

type Alias[K] = dict[K, New[K]]

def identity[V: New](v: V) -> V: return v
""".replace(" = int]", "]" if __import__("sys").version_info < (3, 13) else " = int]")
)
made(lambda: New(3), lambda n: n.get() == 3 and type(n) is New, same=None)
made(lambda: Bounded(3), lambda n: n.get() == 3 and isinstance(n, New), same=None)
row(identity, lambda f: f(3) == 3 and f.__type_params__[0].__bound__ is New, same=None)
row(Alias, lambda a: a.__name__ == "Alias" and a.__value__, same=None)

close()
