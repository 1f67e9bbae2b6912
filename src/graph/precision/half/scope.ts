/**
 * The float32 tensors of one graph while it is made half: which exist as float16, which as float32, and the Casts between.
 * A body asks the graph around it for what it reads from there.
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../../formats/onnx/graph.ts';
import { makeNode } from '../../../formats/onnx/node.ts';
import type { FreshNames } from '../../transforms/fresh-names.ts';
import { halfTensor, type Use } from './half-tensor.ts';

export type Form = 'float' | 'half';

/** Names of a tensor in the forms that it has. */
type Forms = { float?: string; half?: string };

export class Scope {
  /** Initializers that were asked for. */
  readonly constants: TensorProto[] = [];
  readonly #values = new Map<string, Forms>();
  readonly #sources = new Map<string, { readonly tensor: TensorProto; readonly made: Map<string, string> }>();
  readonly #names: FreshNames;
  readonly #outer: Scope | undefined;
  /** Outputs of the model: float32, whatever computes them. */
  readonly #ports: ReadonlySet<string>;
  #casts: NodeProto[] = [];

  constructor(
    names: FreshNames,
    { outer, ports }: { readonly outer?: Scope; readonly ports?: ReadonlySet<string> },
  ) {
    this.#names = names;
    this.#outer = outer;
    this.#ports = ports ?? new Set();
  }

  /** The scope of a body in this graph. */
  inner(): Scope {
    return new Scope(this.#names, { outer: this });
  }

  /** A float32 tensor that a node writes, or that the graph is given, in this form. */
  define(name: string, form: Form, as = name): void {
    this.#values.set(name, { ...this.#values.get(name), [form]: as });
  }

  /** A constant; it becomes an initializer in each form that is asked for. */
  defineConstant(tensor: TensorProto): void {
    if (tensor.dataType !== elementType.float32) {
      this.constants.push(tensor);
      return;
    }
    const source = { tensor, made: new Map<string, string>() };
    this.#sources.set(tensor.name, source);
    if (this.isPort(tensor.name)) this.#constant(source, 'float', { reader: 'the output', isBound: false });
  }

  /** Whether the tensor is float32 in the source, here or in a graph around. */
  isFloat(name: string): boolean {
    return this.#values.has(name) || this.#sources.has(name) || this.#outer?.isFloat(name) === true;
  }

  isPort(name: string): boolean {
    return this.#ports.has(name);
  }

  /** Whether a node of this very graph writes the tensor, or its Cast. */
  isOwn(name: string): boolean {
    return this.#values.has(name);
  }

  /** The name of a float32 tensor in this form; Casts that this takes are in `takeCasts` of the graph that has it. */
  named(name: string, form: Form, use: Use): string {
    const source = this.#sources.get(name);
    if (source) return this.#constant(source, form, use);
    const forms = this.#values.get(name);
    if (!forms) return this.#outer!.named(name, form, use);
    forms[form] ??= this.#cast(name, forms, form);
    return forms[form];
  }

  /** A name that no tensor has. */
  fresh(wanted: string): string {
    return this.#names.fresh(wanted);
  }

  /** Casts to place before the node that is being made. */
  takeCasts(): NodeProto[] {
    const casts = this.#casts;
    this.#casts = [];
    return casts;
  }

  #cast(name: string, forms: Forms, to: Form): string {
    const output = this.fresh(`${name}/${to}`);
    this.#casts.push(castNode(forms.float ?? forms.half!, output, to));
    return output;
  }

  /** The form that is asked for first keeps the constant's name. */
  #constant(
    { tensor, made }: { readonly tensor: TensorProto; readonly made: Map<string, string> },
    form: Form,
    use: Use,
  ): string {
    const kind = form === 'half' && use.isBound ? 'half/bound' : form;
    const known = made.get(kind);
    if (known !== undefined) return known;
    const name = made.size === 0 ? tensor.name : this.fresh(`${tensor.name}/${kind}`);
    made.set(kind, name);
    this.constants.push(form === 'half' ? halfTensor(tensor, name, use) : copyWith(tensor, { name }));
    return name;
  }
}

export const castNode = (from: string, to: string, form: Form): NodeProto =>
  makeNode('Cast', {
    name: `${to}/Cast`,
    inputs: [from],
    outputs: [to],
    attributes: { to: { int: form === 'half' ? elementType.float16 : elementType.float32 } },
  });
