/**
 * Tracks the float32 tensors of one graph during conversion: which exist as float16, which as float32, and the Casts
 * between them. The scope of a body delegates to that of the outer graph.
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../../formats/onnx/graph.ts';
import { makeNode } from '../../../formats/onnx/node.ts';
import type { FreshNames } from '../../transforms/fresh-names.ts';
import { type ConstantUse, convertTensor } from './half-tensor.ts';

/** Element type of a tensor: float32 or float16. */
export type Form = 'float' | 'half';

/** Names of a tensor by form. */
type Forms = { float?: string; half?: string };

/** Tensors, constants and pending Casts of one graph. */
export class HalfScope {
  /** Initializers that are used. */
  readonly constants: TensorProto[] = [];
  readonly #values = new Map<string, Forms>();
  readonly #sources = new Map<string, { readonly tensor: TensorProto; readonly made: Map<string, string> }>();
  readonly #names: FreshNames;
  readonly #outer: HalfScope | undefined;
  /** Outputs of the model, which stay float32. */
  readonly #ports: ReadonlySet<string>;
  #casts: NodeProto[] = [];

  constructor(
    names: FreshNames,
    { outer, ports }: { readonly outer?: HalfScope; readonly ports?: ReadonlySet<string> },
  ) {
    this.#names = names;
    this.#outer = outer;
    this.#ports = ports ?? new Set();
  }

  /** Creates the scope of a body in this graph. */
  inner(): HalfScope {
    return new HalfScope(this.#names, { outer: this });
  }

  /** Adds a float32 tensor of the source (an input, or written by a node) in this form. */
  define(name: string, form: Form, as = name): void {
    this.#values.set(name, { ...this.#values.get(name), [form]: as });
  }

  /** Adds a constant; it becomes an initializer in each requested form. */
  defineConstant(tensor: TensorProto): void {
    if (tensor.dataType !== elementType.float32) {
      this.constants.push(tensor);
      return;
    }
    const source = { tensor, made: new Map<string, string>() };
    this.#sources.set(tensor.name, source);
    if (this.isPort(tensor.name)) this.#constant(source, 'float', { reader: 'the output', isBound: false });
  }

  /** Whether the tensor is float32 in the source, in this or an outer graph. */
  isFloat(name: string): boolean {
    return this.#values.has(name) || this.#sources.has(name) || this.#outer?.isFloat(name) === true;
  }

  /** Whether the tensor is an output of the model. */
  isPort(name: string): boolean {
    return this.#ports.has(name);
  }

  /** Whether a node of this graph writes the tensor, or its Cast. */
  isOwn(name: string): boolean {
    return this.#values.has(name);
  }

  /** Name of a tensor in this form. Needed Casts are pending in the graph that owns the tensor; see `takeCasts`. */
  named(name: string, form: Form, use: ConstantUse): string {
    const source = this.#sources.get(name);
    if (source) return this.#constant(source, form, use);
    const forms = this.#values.get(name);
    if (!forms) return this.#outer!.named(name, form, use);
    forms[form] ??= this.#cast(name, forms, form);
    return forms[form];
  }

  /** Returns an unused name. */
  fresh(wanted: string): string {
    return this.#names.fresh(wanted);
  }

  /** Returns and clears the Casts to place before the current node. */
  takeCasts(): NodeProto[] {
    const casts = this.#casts;
    this.#casts = [];
    return casts;
  }

  #cast(name: string, forms: Forms, to: Form): string {
    const output = this.fresh(`${name}/${to}`);
    this.#casts.push(makeCast(forms.float ?? forms.half!, output, to));
    return output;
  }

  /** The form that is requested first keeps the constant's name. */
  #constant(
    { tensor, made }: { readonly tensor: TensorProto; readonly made: Map<string, string> },
    form: Form,
    use: ConstantUse,
  ): string {
    const kind = form === 'half' && use.isBound ? 'half/bound' : form;
    const known = made.get(kind);
    if (known !== undefined) return known;
    const name = made.size === 0 ? tensor.name : this.fresh(`${tensor.name}/${kind}`);
    made.set(kind, name);
    this.constants.push(form === 'half' ? convertTensor(tensor, name, use) : copyWith(tensor, { name }));
    return name;
  }
}

/** Makes a Cast node. */
export const makeCast = (from: string, to: string, form: Form): NodeProto =>
  makeNode('Cast', {
    name: `${to}/Cast`,
    inputs: [from],
    outputs: [to],
    attributes: { to: { int: form === 'half' ? elementType.float16 : elementType.float32 } },
  });
