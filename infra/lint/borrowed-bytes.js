// Bytes that a store, a log or a socket has given are most often Buffers: their `buffer` is memory that they share with others,
// and their `slice` is a view of it, not a copy. This rule refuses both where the code could be right on an array of its own alone.

const FIXES = {
  slice: '`slice` of a Buffer is a view: `subarray` says so, and `new Uint8Array(bytes)` copies',
  buffer: '`buffer` may be shared with others: give `byteOffset` of the same bytes beside it, or make them here by `new`',
};

/** Whether a type is one of bytes that may be a Buffer; a Float64Array never is. */
function isBytes(type) {
  if (type.isUnion()) return type.types.some(isBytes);
  return ['Uint8Array', 'Buffer'].includes(type.getSymbol()?.name);
}

function isView(type) {
  return isBytes(type) || /^(Float64|Uint32|BigInt64|BigUint64)Array$/.test(type.getSymbol()?.name ?? '');
}

/** `new DataView(bytes.buffer, bytes.byteOffset ...)`, the offset perhaps with something added. */
function hasOffsetBeside(node, text) {
  const { parent } = node;
  const beside = parent.arguments?.[parent.arguments.indexOf(node) + 1];
  return beside !== undefined && text(beside).includes(`${text(node.object)}.byteOffset`);
}

function isMadeBy(expression) {
  return expression?.type === 'NewExpression' && /^(Uint8|Float64|Uint32|BigUint64)Array$/.test(expression.callee.name);
}

/** `const page = new Uint8Array(...)` in reach, or `new Float64Array(...).buffer` itself. */
function isMadeHere(object, scope) {
  if (isMadeBy(object)) return true;
  for (let at = scope; at !== null; at = at.upper) {
    const found = at.set.get(object.name);
    if (found !== undefined) return isMadeBy(found.defs[0]?.node?.init);
  }
  return false;
}

export const borrowedBytes = {
  meta: { type: 'problem', messages: FIXES, schema: [] },
  create(context) {
    const { getTypeAtLocation } = context.sourceCode.parserServices;
    const text = (node) => context.sourceCode.getText(node);
    return {
      'CallExpression > MemberExpression.callee[property.name="slice"]'(node) {
        if (isBytes(getTypeAtLocation(node.object))) context.report({ node, messageId: 'slice' });
      },
      'MemberExpression[property.name="buffer"]'(node) {
        if (!isView(getTypeAtLocation(node.object)) || hasOffsetBeside(node, text)) return;
        if (!isMadeHere(node.object, context.sourceCode.getScope(node))) context.report({ node, messageId: 'buffer' });
      },
    };
  },
};
