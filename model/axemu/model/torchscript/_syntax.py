"""The part of the TorchScript language that traced programs are written in: classes, methods, assignments, calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from axemu.model.torchscript._tokens import Line, Token, UnknownTextError, lines_of


@dataclass(frozen=True, slots=True)
class Name:
    """A name."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, truth value or None."""

    value: int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """`of.name`."""

    of: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments, name=argument)`."""

    function: Expression
    arguments: tuple[Expression, ...]
    keywords: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple."""

    items: tuple[Expression, ...]


Expression = Name | Literal | Attribute | Call | Items


@dataclass(frozen=True, slots=True)
class Statement:
    """`targets = value`, or `return value` where there are no targets; `unpacks` where the value is taken apart."""

    line: int
    targets: tuple[str, ...]
    unpacks: bool
    value: Expression


@dataclass(frozen=True, slots=True)
class Method:
    """A method: names of its parameters, `self` included, and its lines, which `statements` reads."""

    parameters: tuple[str, ...]
    body: Sequence[Line]

    def statements(self) -> tuple[Statement, ...]:
        """Return its statements.

        Raises:
            UnknownTextError: one is of another form, as loops, conditions and operators are.
        """
        return tuple(_Parser(line).statement() for line in self.body)


Classes = Mapping[str, Mapping[str, Method]]
"""Name of a class to its methods."""

MAX_CHAIN = 32
"""Names and calls that follow each other in one expression."""
_WORDS: Mapping[str, bool | None] = {"True": True, "False": False, "None": None}
_FORBIDDEN = frozenset(
    [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
    ]
)


def read_classes(text: str) -> Classes:
    """Return the classes of a module. Bodies of methods are not looked at, attributes of classes are left out.

    Raises:
        UnknownTextError: something stands there that is no class, attribute or method.
    """
    classes: dict[str, dict[str, Method]] = {}
    methods: dict[str, Method] | None = None
    body: list[Line] | None = None
    for line in lines_of(text):
        words = [token.text for token in line.tokens[:2]]
        if line.indent == 0:
            methods, body = classes.setdefault(_class_name(line), {}), None
        elif line.indent == 2 and methods is not None and words[0] == "def":
            body = []
            name, parameters = _Parser(line).signature()
            methods[name] = Method(parameters, body)
        elif line.indent == 2 and methods is not None:
            body = None
            if words[1:] not in ([":"], ["="], ["["]) or line.tokens[0].kind != "name":
                raise UnknownTextError(f"line {line.number}: {_shown(line)} is no attribute or method")
        elif line.indent == 4 and body is not None:
            body.append(line)
        else:
            raise UnknownTextError(
                f"line {line.number}: {_shown(line)} is indented as nothing this SDK reads"
            )
    return classes


def _class_name(line: Line) -> str:
    match [token.text for token in line.tokens]:
        case ["class", name, "(", "Module", ")", ":"]:
            return name
    raise UnknownTextError(f"line {line.number}: {_shown(line)} is no class of modules")


def _shown(line: Line) -> str:
    return repr(" ".join(token.text for token in line.tokens)[:80])


class _Parser:
    """Reads one logical line; nesting is bounded by that of its brackets."""

    def __init__(self, line: Line) -> None:
        self._line, self._tokens, self._at = line, line.tokens, 0

    def statement(self) -> Statement:
        if self._peek("return"):
            self._at += 1
            return Statement(self._line.number, (), unpacks=False, value=self._whole())
        targets: list[str] = []
        commas = 0
        while not self._peek("="):
            targets.append(self._name())
            if self._peek(","):
                self._at += 1
                commas += 1
            elif not self._peek("="):
                raise self._fail()
        self._sign("=")
        if not targets:
            raise self._fail()
        return Statement(self._line.number, tuple(targets), unpacks=commas > 0, value=self._whole())

    def signature(self) -> tuple[str, tuple[str, ...]]:
        self._sign("def")
        name = self._name()
        self._sign("(")
        parameters = []
        while not self._peek(")"):
            parameters.append(self._name())
            self._sign(":")
            self._skip_type()
            if self._peek(","):
                self._at += 1
        self._sign(")")
        self._sign("->")
        self._skip_type()
        self._sign(":")
        if self._at != len(self._tokens):
            raise self._fail()
        return name, tuple(parameters)

    def _skip_type(self) -> None:
        depth = 0
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            if not depth and text in (",", ")", ":"):
                return
            depth += (text == "[") - (text == "]")
            self._at += 1

    def _whole(self) -> Expression:
        value = self._expression()
        if self._at != len(self._tokens):
            raise self._fail()
        return value

    def _expression(self) -> Expression:
        value = self._atom()
        for _ in range(MAX_CHAIN):
            if self._peek("."):
                self._at += 1
                value = Attribute(value, self._name())
            elif self._peek("("):
                value = self._call(value)
            else:
                return value
        raise self._fail()

    def _atom(self) -> Expression:
        token = self._next()
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "text":
            return Literal(token.text[1:-1])
        if token.text in _WORDS:
            return Literal(_WORDS[token.text])
        if token.kind == "name" and token.text not in _FORBIDDEN:
            return Name(token.text)
        if token.text == "[":
            return Items(self._items("]"))
        if token.text == "(":
            items = self._items(")")
            alone = len(items) == 1 and self._tokens[self._at - 2].text != ","
            return items[0] if alone else Items(items)
        raise self._fail()

    def _items(self, end: str) -> tuple[Expression, ...]:
        items = []
        while not self._peek(end):
            items.append(self._expression())
            if self._peek(","):
                self._at += 1
            elif not self._peek(end):
                raise self._fail()
        self._sign(end)
        return tuple(items)

    def _call(self, function: Expression) -> Call:
        self._sign("(")
        arguments: list[Expression] = []
        keywords: list[tuple[str, Expression]] = []
        while not self._peek(")"):
            if self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].text == "=":
                name = self._name()
                self._sign("=")
                keywords.append((name, self._expression()))
            else:
                arguments.append(self._expression())
            if self._peek(","):
                self._at += 1
            elif not self._peek(")"):
                raise self._fail()
        self._sign(")")
        return Call(function, tuple(arguments), tuple(keywords))

    def _peek(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text == text

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise self._fail()
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self, text: str) -> None:
        if self._next().text != text:
            raise self._fail()

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name" or token.text in _FORBIDDEN:
            raise self._fail()
        return token.text

    def _fail(self) -> UnknownTextError:
        return UnknownTextError(
            f"line {self._line.number}: {_shown(self._line)} is of a form that this SDK does not read"
        )


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
