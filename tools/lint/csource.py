"""C as the rules see it: text without comments and strings, functions, and how deep their statements nest.

It leans on clang-format: a function's body begins with a line "{" and ends with a line "}", both in column one.
"""
import re

_PIECE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_TOKEN = re.compile(r'[A-Za-z_]\w*|[{}();:?]|[^\s\w]')
_LOOPS = ('for', 'while', 'switch')


def _blank(match):
    piece = match.group(0)
    kept = re.sub(r'[^\n]', ' ', piece)
    return piece[0] + kept[1:-1] + piece[-1] if piece[0] in '"\'' else kept


def strip(text):
    """The text with every comment and the inside of every string blanked; lines and columns stay."""
    return _PIECE.sub(_blank, text)


def comment_lines(text):
    """How many lines hold a comment, or a part of one."""
    lines = set()
    for match in _PIECE.finditer(text):
        if match.group(0).startswith('/'):
            first = text.count('\n', 0, match.start())
            lines.update(range(first, first + match.group(0).count('\n') + 1))
    return len(lines)


class Function:
    """name; first and last line, from 1, the signature included; depth of its control flow; text with comments."""

    def __init__(self, name, first, last, depth, text):
        self.name, self.first, self.last, self.depth, self.text = name, first, last, depth, text

    @property
    def length(self):
        return self.last - self.first + 1


def functions(text):
    stripped, whole = strip(text).split('\n'), text.split('\n')
    found, start = [], None
    for number, line in enumerate(stripped, 1):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            first = start - 1
            while first > 1 and stripped[first - 2].strip() and not re.search(r'[;}]\s*$|^#', stripped[first - 2]):
                first -= 1
            signature = ' '.join(stripped[first - 1:start - 1])
            names = re.findall(r'(\w+)\s*\(', re.sub(r'__attribute__\s*\(\(.*?\)\)', '', signature))
            depth = _depth_of('\n'.join(stripped[start - 1:number]))
            found.append(Function(names[0] if names else '?', first, number, depth, '\n'.join(whole[first - 1:number])))
            start = None
    return found


def _depth_of(body):
    # Preprocessor lines are no statements.
    tokens = _TOKEN.findall(re.sub(r'^\s*#(?:.*\\\n)*.*$', '', body, flags=re.MULTILINE))
    deepest = 0

    def closing(i):
        """Index after the bracket that closes the one at i."""
        opened = 0
        while i < len(tokens):
            opened += tokens[i] in '({'
            opened -= tokens[i] in ')}'
            i += 1
            if opened == 0:
                break
        return i

    def statement(i, depth):
        """Reads one statement at i; index after it."""
        nonlocal deepest
        deepest = max(deepest, depth)
        token = tokens[i] if i < len(tokens) else ''
        if token == '{':
            i += 1
            while i < len(tokens) and tokens[i] != '}':
                i = statement(i, depth)
            return i + 1
        if token in _LOOPS:
            return statement(closing(i + 1), depth + 1)
        if token == 'if':
            i = statement(closing(i + 1), depth + 1)
            if i < len(tokens) and tokens[i] == 'else':
                chained = i + 1 < len(tokens) and tokens[i + 1] == 'if'
                return statement(i + 1, depth if chained else depth + 1)
            return i
        if token == 'do':
            return statement(closing(statement(i + 1, depth + 1) + 1), depth)
        if token in ('case', 'default'):
            while i < len(tokens) and tokens[i] != ':':
                i += 1
            return i + 1
        while i < len(tokens) and tokens[i] not in ';}':
            if tokens[i] == '(':
                i = closing(i)
                if i < len(tokens) and tokens[i] == '{':  # a macro that is a loop, or a compound literal
                    literal = i + 1 < len(tokens) and tokens[i - 1] == ')' and _is_literal(tokens, i)
                    if not literal:
                        return statement(i, depth + 1)
                    i = closing(i)
            elif tokens[i] == '{':
                i = closing(i)
            else:
                i += 1
        return i + 1 if i < len(tokens) and tokens[i] == ';' else i

    statement(0, 0)
    return deepest


def _is_literal(tokens, brace):
    """`(struct x){…}`: what stands in the brackets before the brace is a type, and what stands before it no name."""
    opened, i = 0, brace - 1
    while i >= 0:
        opened += tokens[i] == ')'
        opened -= tokens[i] == '('
        if opened == 0:
            break
        i -= 1
    return not (i > 0 and re.match(r'[A-Za-z_]\w*$', tokens[i - 1])) or tokens[i - 1] in ('return', 'sizeof')
