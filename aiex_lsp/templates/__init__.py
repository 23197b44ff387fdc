"""Prompt templates: one file each, a YAML head and a jinja body, in a bounded sandbox.

A template is a file ``NAME.md.j2`` in a templates folder. The built-in ones come first, then the
user's folder, then the workspace's: a later file with the same id overrides, and a new file is
there at once. A template with a ``title`` and a ``kind`` is a code action, without any code::

    ---
    id: explain_to_beginner          # left out: the file's name
    name: Explain to a beginner
    category: operation
    version: 1
    description: For those new to the language.
    extends: explain                 # left out: stands on its own
    response_type: code_explanation  # general | code_generation | code_explanation |
                                     # test_generation | documentation | findings
    title: Explain to a beginner     # text of the code action
    kind: aiex.explain.beginner      # aiex.*, quickfix.aiex.* or refactor….aiex.*
    max_tokens: 1500
    temperature: 0.3
    variables:
      code: {type: string, required: true, inject: code, description: The code}
      language: {type: string, default: text, inject: language}
      tone: {type: string, default: friendly, enum: [friendly, dry]}
    conditionals:
      long: code | length > 2000
    ---
    {% block system %}
    You teach {{ language }}. Be {{ tone }}.
    {% endblock %}
    {% block user %}
    {{ code | fence(language) }}
    {% if long %}First tell what its parts are.{% endif %}
    {% endblock %}

**Variables** have a ``type`` (string, integer, number, boolean, list, map), may be ``required``,
have a ``default`` and an ``enum`` of allowed values. ``inject`` names the context rule that fills
a variable nobody gave (`types.INJECT_RULES`). What is neither given nor injected is its default,
else the empty value of its type. **Conditionals** are expressions over variables and earlier
conditionals; the body knows them as booleans.

**The body** holds the blocks ``system`` (may be left out) and ``user``; text outside blocks is an
error. With ``extends`` a template inherits the head's fields (not id, name, title, kind), its
variables field by field, its conditionals, and each block it does not write itself; ``{{ super()
}}`` is the inherited block. A file that extends its own id extends the template it overrides.

**The language** is jinja's: if, for, set, with, filter, expressions, the filters of
`filters.FILTERS` (among them ``fence(language)``, whose fence the code cannot end, and
``number_lines(start)``), the tests of `filters.TESTS`, ``range`` and some methods of texts and
maps. Not included: include, import, macros, other calls and attributes. An undeclared or undefined
name is an error, never empty text. Values are data: ``{{`` inside code stays as it is. A rendering
is stopped after 1.5 s, 500,000 steps or 16 MiB of text (`meter.Limits`).

Rooms inside: `loader` (file to parts) and `head` (parts to `Template`), `registry`, `language`,
`instrument`, `sandbox`, `filters`, `meter` (what templates may say and do), `engine` (renders),
`lint` and `check` (what is wrong).
"""
